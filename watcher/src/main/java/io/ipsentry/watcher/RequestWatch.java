package io.ipsentry.watcher;

/**
 * Is shown who asked, by every line of a request that is read, whether it is a hit or not. Called
 * by the reading thread.
 */
public interface RequestWatch {
  /** Wants to know nothing. */
  RequestWatch NONE =
      new RequestWatch() {
        @Override
        public boolean watches() {
          return false;
        }

        @Override
        public boolean isSuspect(long hi, long lo, long observedAtMillis) {
          return false;
        }

        @Override
        public void request(long hi, long lo, long eventTimeMillis) {}
      };

  /** Whether it wants to know anything at present. While it does, no line is read in part only. */
  boolean watches();

  /**
   * Whether it wants to know of requests of an address.
   *
   * @param hi first half of the address, as in {@link io.ipsentry.net.IpPrefix}
   * @param lo second half
   * @param observedAtMillis when the line was read, milliseconds since 1970
   */
  boolean isSuspect(long hi, long lo, long observedAtMillis);

  /** Such an address, which was the source of the packets, has asked. */
  void request(long hi, long lo, long eventTimeMillis);
}
