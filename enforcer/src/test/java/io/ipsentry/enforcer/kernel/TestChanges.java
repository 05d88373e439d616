package io.ipsentry.enforcer.kernel;

import io.ipsentry.enforcer.kernel.PacketFilter.ChangeVisitor;
import io.ipsentry.enforcer.kernel.PacketFilter.Changes;
import io.ipsentry.net.IpPrefix;
import java.util.Map;
import java.util.function.Consumer;

/** Changes that a test asks for. */
final class TestChanges {
  private TestChanges() {}

  /** Puts all of them. */
  static Changes putting(Map<IpPrefix, Long> ends) {
    return of(visitor -> ends.forEach(visitor::put));
  }

  /** Shows what the consumer shows. */
  static Changes of(Consumer<ChangeVisitor> shown) {
    int[] count = new int[1];
    shown.accept(
        new ChangeVisitor() {
          @Override
          public void put(IpPrefix prefix, long untilMillis) {
            count[0]++;
          }

          @Override
          public void remove(IpPrefix prefix) {
            count[0]++;
          }
        });
    return new Changes() {
      @Override
      public int size() {
        return count[0];
      }

      @Override
      public void forEach(ChangeVisitor visitor) {
        shown.accept(visitor);
      }
    };
  }
}
