# cpack --preset release: a .deb for Debian 12.
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME bkmon)
set(CPACK_PACKAGE_VENDOR "The bkmon developers")
set(CPACK_PACKAGE_CONTACT "The bkmon developers <bkmon@localhost>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "${PROJECT_DESCRIPTION}")
set(CPACK_PACKAGE_DESCRIPTION "bkmond takes in the database backups that agents deposit, proves them by their hashes and their content,
keeps the last healthy ones in a vault, and says which are damaged, missing, implausible or late.
bkmonctl shows it, for people and for programs.")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION admin)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_DEPENDS "systemd (>= 252), init-system-helpers, tzdata")
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS "rsync")
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA ${CMAKE_SOURCE_DIR}/systemd/deb/conffiles ${CMAKE_SOURCE_DIR}/systemd/deb/postinst
    ${CMAKE_SOURCE_DIR}/systemd/deb/prerm ${CMAKE_SOURCE_DIR}/systemd/deb/postrm)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_STRIP_FILES ON)
include(CPack)
