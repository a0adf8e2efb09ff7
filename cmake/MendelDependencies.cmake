# Finds what deploy/install-deps.sh installed. Debian's CAF has no config file, some others only a .pc.
# Protobuf must be found before Torch: TorchConfig would replace its target.
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
find_package(Protobuf REQUIRED)
find_package(RocksDB REQUIRED)
find_package(cppzmq REQUIRED)
find_package(prometheus-cpp REQUIRED)
find_package(CLI11 REQUIRED)
find_package(tomlplusplus REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(doctest REQUIRED)
find_package(ZLIB REQUIRED)
find_package(simdjson REQUIRED)
find_package(spdlog REQUIRED)

# Debian's civetweb has no CMake config; prometheus-cpp is built on it.
find_library(CIVETWEB civetweb REQUIRED)
find_library(CIVETWEB_CPP civetweb-cpp REQUIRED)
add_library(civetweb INTERFACE)
target_link_libraries(civetweb INTERFACE ${CIVETWEB_CPP} ${CIVETWEB})
find_package(CURL REQUIRED)

foreach(module IN ITEMS libarchive gumbo libgit2 libxxhash libzstd libsystemd libseccomp)
  pkg_check_modules(${module} REQUIRED IMPORTED_TARGET GLOBAL ${module})
endforeach()

find_library(CAF_CORE caf_core REQUIRED)
add_library(caf INTERFACE)
target_link_libraries(caf INTERFACE ${CAF_CORE} Threads::Threads)

# The virtual environment: Arrow and Torch live in wheels.
set(MENDEL_VENV ${CMAKE_SOURCE_DIR}/.venv CACHE PATH "virtual environment with the pinned wheels")
file(GLOB site_packages ${MENDEL_VENV}/lib/python3*/site-packages)
if(NOT site_packages)
  message(FATAL_ERROR "no virtual environment at ${MENDEL_VENV}: run `make deps` first")
endif()
set(MENDEL_SITE_PACKAGES ${site_packages})

file(GLOB arrow_library ${site_packages}/pyarrow/libarrow.so.[0-9]*)
file(GLOB parquet_library ${site_packages}/pyarrow/libparquet.so.[0-9]*)
if(NOT arrow_library OR NOT parquet_library)
  message(FATAL_ERROR "no Arrow in ${site_packages}/pyarrow: run `make deps` first")
endif()
add_library(arrow INTERFACE)
target_include_directories(arrow SYSTEM INTERFACE ${site_packages}/pyarrow/include)
target_link_libraries(arrow INTERFACE ${arrow_library} ${parquet_library})
target_link_options(arrow INTERFACE -Wl,-rpath,${site_packages}/pyarrow)

# Parser and grammar are compiled from the source packages that deploy/install-deps.sh unpacked (by hash).
set(MENDEL_TREE_SITTER ${MENDEL_VENV}/src/tree-sitter CACHE PATH "unpacked tree-sitter runtime")
set(MENDEL_GRAMMAR ${MENDEL_VENV}/src/tree-sitter-python CACHE PATH "unpacked tree-sitter-python")
if(NOT EXISTS ${MENDEL_GRAMMAR}/src/parser.c OR NOT EXISTS ${MENDEL_TREE_SITTER}/src/lib.c)
  message(FATAL_ERROR "no parser sources at ${MENDEL_TREE_SITTER} and ${MENDEL_GRAMMAR}: run `make deps` first")
endif()
add_library(tree_sitter STATIC ${MENDEL_TREE_SITTER}/src/lib.c ${MENDEL_GRAMMAR}/src/parser.c ${MENDEL_GRAMMAR}/src/scanner.c)
target_include_directories(tree_sitter SYSTEM PUBLIC ${MENDEL_TREE_SITTER}/include PRIVATE ${MENDEL_TREE_SITTER}/src ${MENDEL_GRAMMAR}/src)
target_compile_options(tree_sitter PRIVATE -w $<$<CONFIG:Release>:-O3>)
target_compile_definitions(tree_sitter PRIVATE _GNU_SOURCE $<$<CONFIG:Release>:NDEBUG>)
