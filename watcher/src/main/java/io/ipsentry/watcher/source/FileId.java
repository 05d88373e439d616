package io.ipsentry.watcher.source;

/**
 * Names a file whatever its path is, as long as it exists or is open; later its number may be given
 * to another file, which {@link Fingerprint} finds out.
 *
 * @param device number of the file system; may change when the machine boots
 * @param inode number within the file system
 */
record FileId(long device, long inode) {}
