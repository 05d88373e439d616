package io.ipsentry.watcher.source;

/** A child process wrote something that is not the Journal Export Format. */
final class JournalFormatException extends RuntimeException {
  JournalFormatException(String found) {
    super("not the journal export format: " + found);
  }
}
