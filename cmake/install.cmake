# Headers, static and shared libraries, CMake package and pkg-config files.
include(CMakePackageConfigHelpers)
get_property(names GLOBAL PROPERTY prune_libraries)

# What a static libprune.a needs from the system; the shared one keeps all of it to itself.
set(system_libraries png jpeg zstd jansson pthread m)
if(NOT PRUNE_RUNTIME_ONLY)
    target_link_libraries(prune_static INTERFACE $<INSTALL_INTERFACE:${OPENBLAS_LIBRARY}>)
endif()
foreach(library ${system_libraries})
    target_link_libraries(prune_static INTERFACE $<INSTALL_INTERFACE:${library}>)
endforeach()

if(PRUNE_RUNTIME_ONLY)
    foreach(name ${prune_runtime_headers})
        install(FILES include/prune/${name}.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/prune)
    endforeach()
    install(DIRECTORY include/prune/sys DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/prune)
else()
    # libprune_pipeline.a reads recipes.
    target_link_libraries(prune_pipeline_static INTERFACE $<INSTALL_INTERFACE:yaml>)
    install(DIRECTORY include/prune DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
endif()
set(package_folder ${CMAKE_INSTALL_LIBDIR}/cmake/prune)
foreach(name ${names})
    # prune::prune and prune::prune_static; prune::eval, prune::pipeline likewise.
    string(REGEX REPLACE "^prune_" "" export ${name})
    set_target_properties(${name}_shared PROPERTIES EXPORT_NAME ${export})
    set_target_properties(${name}_static PROPERTIES EXPORT_NAME ${export}_static)
    install(TARGETS ${name}_shared ${name}_static EXPORT pruneTargets
            LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}
            ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
endforeach()
install(EXPORT pruneTargets NAMESPACE prune:: DESTINATION ${package_folder})
configure_package_config_file(cmake/pruneConfig.cmake.in ${CMAKE_BINARY_DIR}/pruneConfig.cmake
                              INSTALL_DESTINATION ${package_folder})
write_basic_package_version_file(${CMAKE_BINARY_DIR}/pruneConfigVersion.cmake
                                 COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_BINARY_DIR}/pruneConfig.cmake ${CMAKE_BINARY_DIR}/pruneConfigVersion.cmake
        DESTINATION ${package_folder})

# pkg-config: `pkg-config --libs prune` links the shared library, with `--static` the private
# requirements come along. The prefix is relative to the file, so that the tree can move.
set(description_prune "Prunes, tunes, quantizes and runs monocular depth networks")
set(description_prune_eval "Datasets, metrics and protocols of libprune")
set(description_prune_pipeline "Rounds, goals and reports of libprune")
set(requires_prune_eval prune)
set(requires_prune_pipeline prune-eval)
set(private_prune "-lpthread -lm")
if(PRUNE_RUNTIME_ONLY)
    set(description_prune "Runs monocular depth networks (the runtime of libprune alone)")
else()
    get_filename_component(openblas_folder ${OPENBLAS_LIBRARY} DIRECTORY)
    get_filename_component(openblas_file ${OPENBLAS_LIBRARY} NAME)
    string(PREPEND private_prune "-L${openblas_folder} -l:${openblas_file} ")
endif()
set(private_prune_eval "-lm")
set(private_prune_pipeline "-lm")
set(requires_private_prune "libpng libjpeg libzstd jansson")
set(requires_private_prune_eval jansson)
set(requires_private_prune_pipeline "jansson yaml-0.1")
foreach(name ${names})
    string(REPLACE "_" "-" PC_NAME ${name})
    set(PC_LIBRARY ${name})
    set(PC_DESCRIPTION ${description_${name}})
    set(PC_REQUIRES ${requires_${name}})
    set(PC_REQUIRES_PRIVATE ${requires_private_${name}})
    set(PC_LIBS_PRIVATE ${private_${name}})
    configure_file(cmake/prune.pc.in ${CMAKE_BINARY_DIR}/${PC_NAME}.pc @ONLY)
    install(FILES ${CMAKE_BINARY_DIR}/${PC_NAME}.pc
            DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
endforeach()
