# Where a package unpacks, by its kind; read by cpack. systemd, sysusers and tmpfiles look below both prefixes.
if(CPACK_GENERATOR STREQUAL "DEB")
  set(CPACK_INSTALL_PREFIX /usr)
  set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
else()
  set(CPACK_INSTALL_PREFIX /usr/local)
  set(CPACK_PACKAGING_INSTALL_PREFIX /usr/local)
endif()
