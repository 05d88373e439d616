package io.ipsentry.enforcer;

import org.jspecify.annotations.Nullable;

/** An instance cannot have its name on this host for itself. */
public final class InstanceLockException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  InstanceLockException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }
}
