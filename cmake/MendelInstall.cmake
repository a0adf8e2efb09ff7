# make install / make package: programs, man pages, completions, profiles, units, and private copies of the
# libraries that come from wheels (Arrow, and LibTorch where the trainer is built).
include(GNUInstallDirs)
set(private_libraries ${CMAKE_INSTALL_LIBDIR}/mendel)
set(programs mendel)
if(TARGET mendel-trainer)
  list(APPEND programs mendel-trainer)
endif()
set_target_properties(${programs} PROPERTIES INSTALL_RPATH "$ORIGIN/../${private_libraries}")
install(TARGETS ${programs} RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
file(GLOB arrow_files ${MENDEL_SITE_PACKAGES}/pyarrow/libarrow.so.[0-9]* ${MENDEL_SITE_PACKAGES}/pyarrow/libparquet.so.[0-9]*
     ${MENDEL_SITE_PACKAGES}/pyarrow.libs/*.so*)
install(FILES ${arrow_files} DESTINATION ${private_libraries})
if(TARGET mendel-trainer)
  file(GLOB torch_files ${MENDEL_SITE_PACKAGES}/torch/lib/*.so*)
  install(FILES ${torch_files} DESTINATION ${private_libraries})
endif()
install(DIRECTORY deploy/profiles DESTINATION ${CMAKE_INSTALL_DATADIR}/mendel)
# Services: the units name the programs where they are installed. Under /usr the files lie where systemd looks.
set(unit_folder lib/systemd/system)
foreach(unit IN ITEMS mendel-coordinator.service mendel-node@.service mendel-trainer.service)
  install(CODE "
    set(BINDIR \"\${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_BINDIR}\")
    set(DATADIR \"\${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_DATADIR}\")
    configure_file(\"${CMAKE_SOURCE_DIR}/deploy/systemd/${unit}.in\" \"\$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}/${unit_folder}/${unit}\" @ONLY)")
endforeach()
install(FILES deploy/systemd/mendel.target deploy/systemd/mendel.slice deploy/systemd/mendel-plant.slice deploy/systemd/mendel-collect.slice
  deploy/systemd/mendel-train.slice DESTINATION ${unit_folder})
install(FILES deploy/systemd/mendel-node@validator.service.conf DESTINATION ${unit_folder}/mendel-node@validator.service.d RENAME sandbox.conf)
install(FILES deploy/systemd/mendel.tmpfiles.conf DESTINATION lib/tmpfiles.d RENAME mendel.conf)
install(FILES deploy/systemd/mendel.sysusers.conf DESTINATION lib/sysusers.d RENAME mendel.conf)
install(FILES deploy/systemd/plant.toml deploy/systemd/node.env deploy/systemd/coordinator.env DESTINATION ${CMAKE_INSTALL_DATADIR}/mendel/examples)
install(DIRECTORY deploy/prometheus grafana/dashboards grafana/provisioning DESTINATION ${CMAKE_INSTALL_DATADIR}/mendel)
install(FILES deploy/systemd/README.md docs/adding-a-node.md docs/metrics.md docs/runbooks.md DESTINATION ${CMAKE_INSTALL_DOCDIR})
foreach(program IN LISTS programs)
  install(CODE "
    file(MAKE_DIRECTORY \"\$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_MANDIR}/man1\")
    execute_process(COMMAND $<TARGET_FILE:${program}> man
      OUTPUT_FILE \"\$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_MANDIR}/man1/${program}.1\" COMMAND_ERROR_IS_FATAL ANY)
    file(MAKE_DIRECTORY \"\$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_DATADIR}/bash-completion/completions\")
    execute_process(COMMAND $<TARGET_FILE:${program}> completion bash
      OUTPUT_FILE \"\$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_DATADIR}/bash-completion/completions/${program}\" COMMAND_ERROR_IS_FATAL ANY)")
endforeach()

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME mendel)
set(CPACK_PACKAGE_CONTACT "Mendel <mendel@localhost>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "data plant that breeds pairs of buggy and fixed Python code")
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS_PRIVATE_DIRS ${MENDEL_SITE_PACKAGES}/pyarrow ${MENDEL_SITE_PACKAGES}/torch/lib)
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS "bubblewrap, python3, git")
include(CPack)
