# Looks for the CUDA toolkit. Without one, SIGHTLINE_CUDA=ON is an error and everything else builds as before. The
# compiler is called by rules of our own, since CMake 3.25 knows neither CUDA 13 nor its flags.
find_program(SIGHTLINE_NVCC nvcc HINTS $ENV{CUDA_HOME}/bin /usr/local/cuda/bin)
set(SIGHTLINE_CUDA_FOUND OFF)
if(SIGHTLINE_NVCC AND NOT SIGHTLINE_SANITIZE AND NOT SIGHTLINE_FUZZ)
  get_filename_component(cuda_bin ${SIGHTLINE_NVCC} REALPATH)
  get_filename_component(cuda_bin ${cuda_bin} DIRECTORY)
  find_path(SIGHTLINE_CUDA_INCLUDE cublasLt.h HINTS ${cuda_bin}/../include)
  find_library(SIGHTLINE_CUDART cudart_static HINTS ${cuda_bin}/../lib64)
  find_library(SIGHTLINE_CUBLASLT cublasLt HINTS ${cuda_bin}/../lib64)
  if(SIGHTLINE_CUDA_INCLUDE AND SIGHTLINE_CUDART AND SIGHTLINE_CUBLASLT)
    set(SIGHTLINE_CUDA_FOUND ON)
    set(SIGHTLINE_CUDA_LIBRARIES ${SIGHTLINE_CUDART} ${SIGHTLINE_CUBLASLT} Threads::Threads ${CMAKE_DL_LIBS} rt)
  endif()
endif()
if(SIGHTLINE_CUDA AND NOT SIGHTLINE_CUDA_FOUND)
  message(FATAL_ERROR "SIGHTLINE_CUDA needs the CUDA toolkit: nvcc, the static runtime and cuBLASLt")
endif()

# sightline_cuda_objects(OUT source.cu ...): objects with machine code for Hopper and PTX for what comes after.
function(sightline_cuda_objects out)
  set(objects "")
  foreach(source ${ARGN})
    set(object ${CMAKE_CURRENT_BINARY_DIR}/${source}.o)
    get_filename_component(folder ${object} DIRECTORY)
    file(MAKE_DIRECTORY ${folder})
    add_custom_command(OUTPUT ${object}
      COMMAND ${SIGHTLINE_NVCC} -std=c++17 -O2 -gencode arch=compute_90,code=[sm_90,compute_90] -Xcompiler -fPIC,-Wall,-Werror
        -I${CMAKE_SOURCE_DIR} -MD -MF ${object}.d -c ${CMAKE_CURRENT_SOURCE_DIR}/${source} -o ${object}
      DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${source} DEPFILE ${object}.d COMMENT "CUDA ${source}" VERBATIM)
    list(APPEND objects ${object})
  endforeach()
  set(${out} ${objects} PARENT_SCOPE)
endfunction()
