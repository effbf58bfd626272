# Warnings are errors, on both compilers.
add_library(bkmon_warnings INTERFACE)
target_compile_options(bkmon_warnings INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Wold-style-cast -Wcast-qual
  -Wformat=2 -Wundef -Wunused -Woverloaded-virtual -Werror)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  target_compile_options(bkmon_warnings INTERFACE -Wno-maybe-uninitialized -Wno-restrict)  # false alarms of g++ 12 in libstdc++ under -O2 and sanitizers
else()
  target_compile_options(bkmon_warnings INTERFACE -Wthread-safety)
endif()
