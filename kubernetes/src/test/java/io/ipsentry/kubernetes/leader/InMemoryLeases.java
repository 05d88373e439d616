package io.ipsentry.kubernetes.leader;

import io.ipsentry.kubernetes.api.ApiServerException;
import io.ipsentry.kubernetes.api.ApiServerException.Reason;
import java.util.Optional;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/** A Lease with versions, as the API server has it. Safe for any thread. */
final class InMemoryLeases implements Leases {
  private @Nullable LeaseRecord lease;
  private long versions;

  @Override
  public synchronized Optional<LeaseRecord> get() {
    return Optional.ofNullable(lease);
  }

  @Override
  public synchronized LeaseRecord create(LeaseRecord made) {
    if (lease != null) {
      throw new ApiServerException(Reason.EXISTS, "it is there", null);
    }
    return put(made);
  }

  @Override
  public synchronized LeaseRecord replace(LeaseRecord made) {
    LeaseRecord now = lease;
    if (now == null || !now.version().equals(made.version())) {
      throw new ApiServerException(Reason.CONFLICT, "it is another version", null);
    }
    return put(made);
  }

  private LeaseRecord put(LeaseRecord made) {
    LeaseRecord stored =
        new LeaseRecord(
            made.holder(),
            made.address(),
            made.length(),
            made.acquired(),
            made.renewed(),
            made.transitions(),
            String.valueOf(++versions));
    lease = stored;
    return stored;
  }

  /** What a person makes of it. */
  synchronized void edit(UnaryOperator<LeaseRecord> edit) {
    LeaseRecord now = lease;
    if (now != null) {
      LeaseRecord ignored = put(edit.apply(now));
    }
  }

  synchronized void delete() {
    lease = null;
  }
}
