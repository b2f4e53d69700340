find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
pkg_check_modules(PNG REQUIRED IMPORTED_TARGET libpng)
pkg_check_modules(JPEG REQUIRED IMPORTED_TARGET libjpeg)
pkg_check_modules(ZSTD REQUIRED IMPORTED_TARGET libzstd)
pkg_check_modules(JANSSON REQUIRED IMPORTED_TARGET jansson)
if(PRUNE_RUNTIME_ONLY)
    return()
endif()
# The loop's alone: recipes.
pkg_check_modules(YAML REQUIRED IMPORTED_TARGET yaml-0.1)

# OpenBLAS: the pthread build, linked statically and hidden, so that setting that copy to one
# thread touches nobody else (docs/architecture.md, "OpenBLAS").
option(PRUNE_SHARED_OPENBLAS "Link the shared OpenBLAS instead of a private static copy" OFF)
if(PRUNE_SHARED_OPENBLAS)
    find_library(OPENBLAS_LIBRARY openblas REQUIRED)
else()
    find_library(OPENBLAS_LIBRARY NAMES libopenblas.a
                 PATH_SUFFIXES openblas-pthread x86_64-linux-gnu/openblas-pthread
                               aarch64-linux-gnu/openblas-pthread
                 REQUIRED)
endif()
find_path(OPENBLAS_INCLUDE cblas.h
          PATH_SUFFIXES openblas-pthread x86_64-linux-gnu/openblas-pthread
                        aarch64-linux-gnu/openblas-pthread
          REQUIRED)
add_library(prune_openblas INTERFACE)
target_link_libraries(prune_openblas INTERFACE ${OPENBLAS_LIBRARY} Threads::Threads m)
target_include_directories(prune_openblas SYSTEM INTERFACE ${OPENBLAS_INCLUDE})
