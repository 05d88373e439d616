package io.ipsentry.authz.forward;

import io.grpc.Channel;
import io.ipsentry.authz.forward.Replicas.Replica;
import io.ipsentry.authz.hits.HitServiceEndpoint;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** {@link Replicas} by number, one of which leads at a time and takes hits. */
public final class HitReplicas implements AutoCloseable {
  private final Replicas replicas;
  private final List<Replica> all = new ArrayList<>();

  public HitReplicas(Path directory, int count) {
    replicas = new Replicas(directory);
    for (int i = 0; i < count; i++) {
      all.add(replicas.start());
    }
  }

  /** A client of one. */
  public Channel as(int number, String token) {
    return all.get(number).as(token);
  }

  /** Lets one lead, of which all hear. */
  public void lead(int number, HitServiceEndpoint hits) {
    Replica leader = all.get(number);
    for (Replica replica : all) {
      if (replica == leader) {
        replica.leads();
        replica.relay.lead(hits);
      } else {
        replica.follows(leader);
        replica.relay.leaderChanged();
      }
    }
  }

  /** Takes the lead from whoever has it. */
  public void nobodyLeads() {
    for (Replica replica : all) {
      replica.relay.standBy();
      replica.view.set(new LeaderView.Nobody("nobody holds the Lease"));
      replica.relay.leaderChanged();
    }
  }

  /** Streams that one passes on. */
  public int relayed(int number) {
    return all.get(number).relay.relayed();
  }

  @Override
  public void close() {
    replicas.close();
  }
}
