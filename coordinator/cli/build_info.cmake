# Writes build_info.h (only when it changed): cmake -DSOURCE= -DOUT= -DVERSION=
# -DLIBRARIES= [-DCOMMIT=] -P build_info.cmake. Without a git checkout the commit is "",
# so that a build from an archive works and comes out the same everywhere.
if(NOT COMMIT AND EXISTS ${SOURCE}/.git)
  execute_process(COMMAND git -C ${SOURCE} rev-parse --short=12 HEAD
                  OUTPUT_VARIABLE COMMIT OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
endif()
string(REPLACE "|" ", " LIBRARIES "${LIBRARIES}")
string(REGEX REPLACE "([^=, ]+)=([^, ]+)" "{\"\\1\", \"\\2\"}" LIBRARIES "${LIBRARIES}")
configure_file(${CMAKE_CURRENT_LIST_DIR}/build_info.h.in ${OUT} @ONLY)
