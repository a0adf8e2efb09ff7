"""Writes archives with the system's libarchive, hostile ones too."""
import ctypes
import ctypes.util

FILE, LINK = 0o100000, 0o120000


def _library():
    lib = ctypes.CDLL(ctypes.util.find_library("archive") or "libarchive.so.13")
    for name in ("archive_write_new", "archive_entry_new"):
        getattr(lib, name).restype = ctypes.c_void_p
    lib.archive_write_data.restype = ctypes.c_ssize_t
    lib.archive_error_string.restype = ctypes.c_char_p
    return lib


def write_archive(path, entries, form="7zip", options=None):
    """Entries are (name, bytes or iterable of bytes, size) or (name, "link", target); `form`: 7zip or zip."""
    lib = _library()
    writer = ctypes.c_void_p(lib.archive_write_new())

    def check(status):
        if status < 0:
            raise OSError(lib.archive_error_string(writer))
    check(getattr(lib, f"archive_write_set_format_{form}")(writer))
    if options:
        check(lib.archive_write_set_options(writer, options.encode()))
    check(lib.archive_write_open_filename(writer, str(path).encode()))
    for name, content, extra in entries:
        entry = ctypes.c_void_p(lib.archive_entry_new())
        lib.archive_entry_set_pathname(entry, name.encode())
        lib.archive_entry_set_perm(entry, 0o644)
        link = content == "link"
        lib.archive_entry_set_filetype(entry, LINK if link else FILE)
        if link:
            lib.archive_entry_set_symlink(entry, extra.encode())
        pieces = [] if link else [content] if isinstance(content, bytes) else content
        lib.archive_entry_set_size(entry, ctypes.c_int64(0 if link else len(content) if extra is None else extra))
        check(lib.archive_write_header(writer, entry))
        for piece in pieces:
            if lib.archive_write_data(writer, piece, ctypes.c_size_t(len(piece))) < 0:
                raise OSError(lib.archive_error_string(writer))
        lib.archive_entry_free(entry)
    check(lib.archive_write_close(writer))
    lib.archive_write_free(writer)
