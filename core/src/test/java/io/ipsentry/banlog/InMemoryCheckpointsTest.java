package io.ipsentry.banlog;

/** {@link InMemoryCheckpoints}, by the contract. */
final class InMemoryCheckpointsTest extends CheckpointsContract {
  @Override
  protected Checkpoints create() {
    return new InMemoryCheckpoints();
  }
}
