# One place for language level, warnings and sanitizers.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release)
endif()
set(CMAKE_CXX_FLAGS_RELEASE "-O2 -DNDEBUG")

set(SIGHTLINE_SANITIZE "" CACHE STRING "address,undefined or thread")
if(SIGHTLINE_SANITIZE)
  add_compile_options(-fsanitize=${SIGHTLINE_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all -g1)
  add_link_options(-fsanitize=${SIGHTLINE_SANITIZE})
endif()

# What every test runs with. The suppression file says of each line why it is there. The system's libraries (gRPC, abseil)
# are not built with the thread sanitizer: what they call is not watched, since how they synchronise it is not seen.
set(SIGHTLINE_TEST_ENVIRONMENT "")
if(SIGHTLINE_SANITIZE MATCHES "thread")
  set(SIGHTLINE_TEST_ENVIRONMENT "TSAN_OPTIONS=suppressions=${CMAKE_SOURCE_DIR}/tests/support/tsan.supp:second_deadlock_stack=1:ignore_noninstrumented_modules=1")
elseif(SIGHTLINE_SANITIZE)
  set(SIGHTLINE_TEST_ENVIRONMENT "ASAN_OPTIONS=detect_leaks=1:strict_string_checks=1" "UBSAN_OPTIONS=print_stacktrace=1")
endif()

# Coverage for libFuzzer in every library that a target calls, not in the target's own file alone.
if(SIGHTLINE_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()

find_program(CCACHE_PROGRAM ccache)
if(CCACHE_PROGRAM)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE_PROGRAM})
  set(CMAKE_C_COMPILER_LAUNCHER ${CCACHE_PROGRAM})
endif()
find_package(Threads REQUIRED)

# Warnings for our own code; third-party headers come in as SYSTEM.
add_library(sightline_warnings INTERFACE)
target_compile_options(sightline_warnings INTERFACE
  $<$<COMPILE_LANGUAGE:CXX>:-Wall -Wextra -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual -Wno-unused-parameter -Wno-missing-field-initializers -Werror>)
# GCC's "avx2,fma" is one version of both, Clang's two versions: right in either case, which is all that fuzzing needs.
target_compile_options(sightline_warnings INTERFACE $<$<COMPILE_LANG_AND_ID:CXX,Clang>:-Wno-target-clones-mixed-specifiers>)
