# Every library comes from Debian 12's packages (deploy/packages.txt).
find_package(PkgConfig REQUIRED)
foreach(dep ZMQ:libzmq UV:libuv SQLITE:sqlite3 OPENBLAS:openblas SNDFILE:sndfile
            SOXR:soxr SODIUM:libsodium CAIRO:cairo JANSSON:jansson YAML:yaml-0.1
            KISSFFT:kissfft-float PROTOBUFC:libprotobuf-c)
  string(REPLACE ":" ";" pair ${dep})
  list(GET pair 0 name)
  list(GET pair 1 module)
  pkg_check_modules(${name} REQUIRED IMPORTED_TARGET ${module})
endforeach()
if(VOXARCH_TESTS)
  pkg_check_modules(CHECK REQUIRED IMPORTED_TARGET check)
endif()
find_program(PROTOC_C protoc-c REQUIRED)
find_package(Threads REQUIRED)
