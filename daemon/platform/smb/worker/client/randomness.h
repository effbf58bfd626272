#pragma once

namespace bkmon::smb::client {

/// True when somebody in this process has taken random bytes from the kernel: a generator may have a state then, which a copy of the process would
/// share. (One byte is how a library finds out whether there are any.) Known because the program's own getrandom and getentropy stand before
/// those of the C library, and because nothing of the machine's files can be opened: ask after enter_nursery().
bool random_bytes_taken();

}  // namespace bkmon::smb::client
