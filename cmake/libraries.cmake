# Static and shared forms of one set of objects. The shared ones export prune_* alone
# (libprune/prune.map) and keep the private OpenBLAS to themselves.
set(prune_version_script ${PROJECT_SOURCE_DIR}/libprune/prune.map)

# prune_add_libraries(<name> <output name> [LINK <names>...] [PRIVATE <libraries>...])
# LINK: other names declared with this function. Makes <name>_static and <name>_shared from the
# object library <name>_objects.
function(prune_add_libraries name output)
    cmake_parse_arguments(ARG "" "" "LINK;PRIVATE" ${ARGN})
    add_library(${name}_static STATIC $<TARGET_OBJECTS:${name}_objects>)
    add_library(${name}_shared SHARED $<TARGET_OBJECTS:${name}_objects>)
    foreach(form static shared)
        set(target ${name}_${form})
        set_target_properties(${target} PROPERTIES OUTPUT_NAME ${output} LINKER_LANGUAGE C)
        target_include_directories(${target} PUBLIC
            $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>
            $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
        foreach(other ${ARG_LINK})
            target_link_libraries(${target} PUBLIC ${other}_${form})
        endforeach()
    endforeach()
    # Users of the shared library see none of its dependencies; those of the static one must.
    foreach(library ${ARG_PRIVATE})
        target_link_libraries(${name}_static PRIVATE $<BUILD_INTERFACE:${library}>)
        target_link_libraries(${name}_shared PRIVATE $<BUILD_INTERFACE:${library}>)
    endforeach()
    # Each finds its sisters beside itself, wherever the tree is put.
    set_target_properties(${name}_shared PROPERTIES INSTALL_RPATH "$ORIGIN"
        VERSION ${PROJECT_VERSION} SOVERSION ${PROJECT_VERSION_MAJOR}
        LINK_DEPENDS ${prune_version_script})
    target_link_options(${name}_shared PRIVATE
        -Wl,--version-script=${prune_version_script} -Wl,--exclude-libs,ALL
        -Wl,-Bsymbolic-functions)
    if(NOT PRUNE_SANITIZE)
        target_link_options(${name}_shared PRIVATE -Wl,--no-undefined)
    endif()
    set_property(GLOBAL APPEND PROPERTY prune_libraries ${name})
endfunction()
