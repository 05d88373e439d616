package io.ipsentry.enforcer.kernel;

/** The kernel, or a program that speaks to it, did not do what was asked. */
public final class PacketFilterException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final Cause cause;

  /** What is in the way; each has one message that says how to mend it. */
  public enum Cause {
    /** A program is not installed. */
    NO_PROGRAM,
    /** The kernel lacks a module. */
    NO_MODULE,
    /** The process lacks a capability. */
    NO_CAPABILITY,
    /** A table cannot be written. */
    READ_ONLY,
    /** More elements than the backend takes. */
    TOO_MANY,
    /** It took too long: somebody else holds the lock, or the machine is overloaded. */
    TIMEOUT,
    /** Anything else; the message has what the program said. */
    OTHER
  }

  /**
   * @param message what, where, and how to mend it
   */
  public PacketFilterException(Cause cause, String message) {
    super(message);
    this.cause = cause;
  }

  /** What is in the way. */
  public Cause kind() {
    return cause;
  }

  /** Whether the message has this text, such as words of a program. */
  boolean says(String text) {
    return String.valueOf(getMessage()).contains(text);
  }
}
