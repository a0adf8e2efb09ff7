# make install / make package, in two parts: `collector` is mendel with all that a node needs, `trainer` adds
# mendel-trainer and LibTorch. Libraries that come from wheels (Arrow, LibTorch) are copied to lib/mendel, where the
# programs look relative to themselves, so that a prefix may be moved and needs no wheels (deploy/README.md).
include(GNUInstallDirs)
set(private_libraries lib/mendel)
set(data_folder ${CMAKE_INSTALL_DATADIR}/mendel)
set(unit_folder lib/systemd/system)
set(CMAKE_INSTALL_DEFAULT_COMPONENT_NAME collector)

# mendel_install_program(NAME COMPONENT): the program, and of its own words its man page and completions.
function(mendel_install_program name component)
  set_target_properties(${name} PROPERTIES INSTALL_RPATH "$ORIGIN/../${private_libraries}")
  install(TARGETS ${name} RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT ${component})
  foreach(page IN ITEMS
      "man::${CMAKE_INSTALL_MANDIR}/man1/${name}.1"
      "completion:bash:${CMAKE_INSTALL_DATADIR}/bash-completion/completions/${name}"
      "completion:zsh:${CMAKE_INSTALL_DATADIR}/zsh/vendor-completions/_${name}"
      "completion:fish:${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d/${name}.fish")
    string(REPLACE ":" ";" page "${page}")
    list(GET page 0 command)
    list(GET page 1 shell)
    list(GET page 2 path)
    install(CODE "
      set(path \"\$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}/${path}\")
      message(STATUS \"Writing: \${path}\")
      get_filename_component(folder \"\${path}\" DIRECTORY)
      file(MAKE_DIRECTORY \"\${folder}\")
      execute_process(COMMAND $<TARGET_FILE:${name}> ${command} ${shell} OUTPUT_FILE \"\${path}\" COMMAND_ERROR_IS_FATAL ANY)"
      COMPONENT ${component})
  endforeach()
endfunction()

# mendel_install_unit(NAME COMPONENT): a service that names the programs where they are installed.
function(mendel_install_unit unit component)
  install(CODE "
    set(BINDIR \"\${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_BINDIR}\")
    set(DATADIR \"\${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_DATADIR}\")
    configure_file(\"${CMAKE_SOURCE_DIR}/deploy/systemd/${unit}.in\" \"\$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}/${unit_folder}/${unit}\" @ONLY)"
    COMPONENT ${component})
endfunction()

mendel_install_program(mendel collector)
file(GLOB arrow_files ${MENDEL_SITE_PACKAGES}/pyarrow/libarrow.so.[0-9]* ${MENDEL_SITE_PACKAGES}/pyarrow/libparquet.so.[0-9]*
     ${MENDEL_SITE_PACKAGES}/pyarrow.libs/*.so*)
install(FILES ${arrow_files} DESTINATION ${private_libraries})
mendel_install_unit(mendel-coordinator.service collector)
mendel_install_unit(mendel-node@.service collector)

if(TARGET mendel-trainer)
  mendel_install_program(mendel-trainer trainer)
  mendel_install_unit(mendel-trainer.service trainer)
  # All but what only Python loads; ROCm's kernels lie in folders beside the libraries, CUDA's libraries in wheels of their own.
  install(DIRECTORY ${MENDEL_SITE_PACKAGES}/torch/lib/ DESTINATION ${private_libraries} COMPONENT trainer
    PATTERN "libshm*" EXCLUDE PATTERN "libtorch_python*" EXCLUDE PATTERN "*_test.so" EXCLUDE PATTERN "*.a" EXCLUDE)
  file(GLOB cuda_files ${MENDEL_SITE_PACKAGES}/nvidia/*/lib/*.so*)
  install(FILES ${cuda_files} DESTINATION ${private_libraries} COMPONENT trainer)
endif()

install(PROGRAMS deploy/monitor.sh DESTINATION ${data_folder})
install(DIRECTORY deploy/profiles deploy/prometheus grafana/dashboards grafana/provisioning DESTINATION ${data_folder})
# The pins of the linters that are Python, for a virtual environment of the installed program's own.
file(STRINGS deploy/requirements.txt linters REGEX "^(ruff|mypy|pylint|bandit)==")
list(JOIN linters "\n" linters)
file(WRITE ${CMAKE_BINARY_DIR}/linters.txt "${linters}\n")
install(FILES ${CMAKE_BINARY_DIR}/linters.txt DESTINATION ${data_folder})
install(PROGRAMS deploy/package/install-linters DESTINATION ${private_libraries})
install(PROGRAMS ${MENDEL_VENV}/bin/ruff DESTINATION ${private_libraries}/bin)  # one program, and every plant asks it
install(FILES deploy/systemd/plant.toml deploy/systemd/node.env deploy/systemd/coordinator.env DESTINATION ${data_folder}/examples)
install(FILES deploy/systemd/mendel.target deploy/systemd/mendel.slice deploy/systemd/mendel-plant.slice deploy/systemd/mendel-collect.slice
  deploy/systemd/mendel-train.slice DESTINATION ${unit_folder})
install(FILES deploy/systemd/mendel-node@validator.service.conf DESTINATION ${unit_folder}/mendel-node@validator.service.d RENAME sandbox.conf)
install(FILES deploy/systemd/mendel.tmpfiles.conf DESTINATION lib/tmpfiles.d RENAME mendel.conf)
install(FILES deploy/systemd/mendel.sysusers.conf DESTINATION lib/sysusers.d RENAME mendel.conf)
install(FILES deploy/systemd/README.md docs/adding-a-node.md docs/metrics.md docs/runbooks.md DESTINATION ${CMAKE_INSTALL_DOCDIR})

# Packages: Debian's two, and a tarball of everything for /usr/local or any other folder.
set(CPACK_GENERATOR DEB TZST)
set(CPACK_PACKAGE_NAME mendel)
set(CPACK_PACKAGE_CONTACT "Mendel <mendel@localhost>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "data plant that breeds pairs of buggy and fixed Python code")
set(CPACK_SET_DESTDIR ON)
set(CPACK_PROJECT_CONFIG_FILE ${CMAKE_SOURCE_DIR}/cmake/MendelPackage.cmake)
set(CPACK_INCLUDE_TOPLEVEL_DIRECTORY OFF)
set(CPACK_COMPONENTS_ALL collector)
if(TARGET mendel-trainer)
  list(APPEND CPACK_COMPONENTS_ALL trainer)
endif()
set(CPACK_COMPONENTS_GROUPING IGNORE)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_COMPRESSION_TYPE zstd)
set(CPACK_DEBIAN_COLLECTOR_PACKAGE_NAME mendel)
set(CPACK_DEBIAN_TRAINER_PACKAGE_NAME mendel-trainer)
set(CPACK_DEBIAN_TRAINER_DESCRIPTION "training node of Mendel, with LibTorch")
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS_PRIVATE_DIRS ${MENDEL_SITE_PACKAGES}/pyarrow ${MENDEL_SITE_PACKAGES}/torch/lib)
set(CPACK_DEBIAN_TRAINER_PACKAGE_DEPENDS "mendel (= ${PROJECT_VERSION})")
set(CPACK_DEBIAN_COLLECTOR_PACKAGE_DEPENDS "python3")
set(CPACK_DEBIAN_COLLECTOR_PACKAGE_RECOMMENDS "bubblewrap, python3-venv, git")
set(CPACK_DEBIAN_COLLECTOR_PACKAGE_CONTROL_EXTRA ${CMAKE_SOURCE_DIR}/deploy/package/postinst)
set(CPACK_DEBIAN_TRAINER_PACKAGE_CONTROL_EXTRA ${CMAKE_SOURCE_DIR}/deploy/package/postinst)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
include(CPack)
