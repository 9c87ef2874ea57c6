# room(NAME SOURCES a.c b.c USES target ...): one folder, one static library.
function(room name)
  cmake_parse_arguments(R "" "" "SOURCES;USES" ${ARGN})
  add_library(${name} STATIC ${R_SOURCES})
  target_link_libraries(${name} PUBLIC ${R_USES} m)
endfunction()

# unit_test(NAME SOURCE USES target ...): one Check executable, one ctest entry, labelled
# with the folder under tests/ it lives in. TIMEOUT in seconds is optional (60).
function(unit_test name source)
  cmake_parse_arguments(T "" "TIMEOUT" "USES" ${ARGN})
  if(NOT T_TIMEOUT)
    set(T_TIMEOUT 60)
  endif()
  add_executable(test_${name} ${source})
  target_link_libraries(test_${name} PRIVATE ${T_USES} PkgConfig::CHECK m)
  add_test(NAME ${name} COMMAND test_${name})
  file(RELATIVE_PATH where ${CMAKE_SOURCE_DIR}/tests ${CMAKE_CURRENT_SOURCE_DIR})
  string(REGEX REPLACE "/.*" "" label ${where})
  set_tests_properties(${name} PROPERTIES TIMEOUT ${T_TIMEOUT} LABELS ${label}
                       ENVIRONMENT "CK_DEFAULT_TIMEOUT=${T_TIMEOUT}")
endfunction()
