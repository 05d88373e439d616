package io.ipsentry.kubernetes.policy;

import io.ipsentry.config.Config;
import io.ipsentry.config.PolicyOverlay;
import io.ipsentry.kubernetes.api.ApiServerException;
import io.ipsentry.kubernetes.api.ApiServerException.Reason;
import io.ipsentry.kubernetes.api.ClusterConnection;
import io.ipsentry.kubernetes.duty.Duty;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.InstantSource;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The duty of BanPolicies: works out what holds where, tells every process that judges ({@code
 * R-policies}), makes and removes the objects by which gateways ask, and writes the statuses. What
 * is as it should be is not written, so that two that do it at once come to rest.
 */
public final class PolicyDuty implements Duty {
  /** How often everything is looked at again, though nothing was told. */
  private static final Duration VERIFY_INTERVAL = Duration.ofMinutes(1);

  /** After a write that failed. */
  private static final Duration RETRY_INTERVAL = Duration.ofSeconds(2);

  private static final Logger logger = LoggerFactory.getLogger(PolicyDuty.class);

  private final ClusterConnection connection;
  private final PoliciesConfigMap map;
  private final PolicyWrites writes;
  private final Attachments.Identity identity;
  private final String grantName;
  private final Supplier<Config> base;
  private final InstantSource clock;
  private final LongSupplier nanoTicker;
  private volatile PolicyReport report = PolicyReport.NONE;
  private @Nullable PolicyWatches watches;
  private @Nullable Config judgedBy;
  private long verifyAt;
  private boolean looked;

  /**
   * @param connection stays the caller's to close
   * @param release full name of the release
   * @param base the configuration of the file, without policies of others
   * @param nanoTicker elapsed time, nanoseconds
   */
  public PolicyDuty(
      ClusterConnection connection,
      String release,
      Supplier<Config> base,
      InstantSource clock,
      LongSupplier nanoTicker) {
    this.connection = connection;
    this.map = new PoliciesConfigMap(connection.configMaps(), release);
    this.writes = new PolicyWrites(connection);
    this.identity = Attachments.Identity.of(release, connection.namespace());
    this.grantName = release + "-policies";
    this.base = base;
    this.clock = clock;
    this.nanoTicker = nanoTicker;
  }

  @Override
  public String name() {
    return "policies";
  }

  /** How it stands, as it was looked at last; for any thread. */
  public PolicyReport report() {
    return report;
  }

  @Override
  public void step(Duration patience) throws InterruptedException {
    PolicyWatches running = watches;
    if (running == null) {
      running = new PolicyWatches(connection);
      watches = running;
    }
    boolean news = running.await(patience);
    long now = nanoTicker.getAsLong();
    boolean due = looked && now - verifyAt >= 0;
    boolean other = looked && !base.get().equals(judgedBy);
    if (running.isSettled() && (news || due || other)) {
      verifyAt = now + VERIFY_INTERVAL.toNanos();
      looked = true;
      if (!reconcile(running.view())) {
        verifyAt = now + RETRY_INTERVAL.toNanos();
      }
    }
  }

  /**
   * Makes everything as it should be.
   *
   * @return whether all could be written
   * @throws ApiServerException if the ConfigMap of the policies cannot be
   */
  private boolean reconcile(ClusterView cluster) {
    Config config = base.get();
    judgedBy = config;
    PolicyMerge merge = PolicyMerge.of(cluster);
    Map<String, String> refused = new HashMap<>();
    Map<String, String> documents = documents(merge, refused);
    PolicyOverlay overlay = PolicyOverlay.of(config, documents);
    refused.putAll(overlay.refused());
    documents.keySet().removeAll(overlay.refused().keySet());
    if (map.write(documents)) {
      logger
          .atInfo()
          .addKeyValue("configMap", map.name())
          .addKeyValue("policies", documents.keySet())
          .log("the policies in force are told to everybody");
    }
    Attachments attachments = Attachments.of(cluster, merge, identity);
    Map<AttachedObject.Key, String> failed = new HashMap<>();
    boolean whole = attach(cluster, attachments, refused, failed);
    PolicyStandings standings =
        new PolicyStandings(cluster, merge, attachments, refused, failed, identity.controller());
    for (BanPolicyObject policy : cluster.policies()) {
      whole &= status(policy, standings);
    }
    report = standings.report();
    return whole;
  }

  /** Of the points by name, as long as there is room. */
  private static Map<String, String> documents(PolicyMerge merge, Map<String, String> refused) {
    Map<String, String> documents = new LinkedHashMap<>();
    int[] bytes = {0};
    merge
        .effective()
        .forEach((point, overrides) -> {
          String text = PolicyDocuments.of(overrides);
          int size = text.getBytes(StandardCharsets.UTF_8).length + point.policyName().length();
          if (bytes[0] + size > PoliciesConfigMap.MAX_BYTES) {
            refused.put(
                point.policyName(),
                "all policies together are larger than " + PoliciesConfigMap.MAX_BYTES + " bytes");
          } else {
            bytes[0] += size;
            documents.put(point.policyName(), text);
          }
        });
    return documents;
  }

  private boolean attach(
      ClusterView cluster,
      Attachments attachments,
      Map<String, String> refused,
      Map<AttachedObject.Key, String> failed) {
    Map<AttachedObject.Key, AttachedObject> known = new HashMap<>();
    cluster.attachments().forEach(object -> known.put(object.key(), object));
    Set<AttachedObject.Key> wanted = new HashSet<>();
    Set<String> grants = new HashSet<>();
    boolean whole = true;
    for (Map.Entry<Point, List<AttachedObject>> entry : attachments.wanted().entrySet()) {
      if (refused.containsKey(entry.getKey().policyName())) {
        continue;
      }
      for (AttachedObject object : entry.getValue()) {
        wanted.add(object.key());
        if (object.kind() == AttachedKind.SECURITY_POLICY
            && !object.namespace().equals(identity.namespace())) {
          grants.add(object.namespace());
        }
        whole &= put(object, known.get(object.key()), failed);
      }
    }
    for (AttachedObject object : cluster.attachments()) {
      if (isOurs(object) && !wanted.contains(object.key())) {
        whole &= attempt("removed", object, () -> writes.delete(object), failed);
      }
    }
    boolean granted = grant(grants, cluster);
    return whole && granted;
  }

  private boolean isOurs(AttachedObject object) {
    return identity.controller().equals(object.annotations().get(Attachments.CONTROLLER));
  }

  private boolean isOurs(Grant grant) {
    return grant.namespace().equals(identity.namespace()) && grant.name().equals(grantName);
  }

  private boolean put(
      AttachedObject wanted,
      @Nullable AttachedObject known,
      Map<AttachedObject.Key, String> failed) {
    if (known == null) {
      return attempt("made", wanted, () -> writes.put(wanted), failed);
    }
    if (!isOurs(known)) {
      failed.put(wanted.key(), wanted.title() + " is there, and is not ours");
      return true;
    }
    if (known.says(wanted)) {
      return true;
    }
    return attempt("changed", wanted, () -> writes.put(wanted.at(known.version())), failed);
  }

  private boolean grant(Set<String> namespaces, ClusterView cluster) {
    if (namespaces.isEmpty() && cluster.grants().stream().noneMatch(this::isOurs)) {
      return true;
    }
    try {
      if (writes.grant(grantName, identity, namespaces)) {
        logger
            .atInfo()
            .addKeyValue("namespaces", namespaces)
            .log("who may refer to the authz-servers was written");
      }
      return true;
    } catch (ApiServerException e) {
      return failed(e, "the ReferenceGrant cannot be written");
    }
  }

  private boolean attempt(
      String what, AttachedObject object, Runnable write, Map<AttachedObject.Key, String> failed) {
    try {
      write.run();
      logger
          .atInfo()
          .addKeyValue("object", object.title())
          .addKeyValue("policy", object.annotations().get(Attachments.POLICY))
          .addKeyValue("what", what)
          .log("an object of a policy was written");
      return true;
    } catch (ApiServerException e) {
      failed.put(object.key(), String.valueOf(e.getMessage()));
      return failed(e, "an object of a policy cannot be written");
    }
  }

  private boolean status(BanPolicyObject policy, PolicyStandings standings) {
    List<Map<String, Object>> ancestors =
        AncestorStatuses.of(
            policy.ancestors(),
            standings.entries(policy),
            identity.controller(),
            policy.generation(),
            clock.instant());
    if (AncestorStatuses.same(policy.ancestors(), ancestors)) {
      return true;
    }
    try {
      writes.status(policy, ancestors);
      return true;
    } catch (ApiServerException e) {
      return failed(e, "the status of a policy cannot be written");
    }
  }

  /** Another was faster, and its change is told; or it is tried again. */
  private static boolean failed(ApiServerException e, String message) {
    if (e.reason() == Reason.CONFLICT || e.reason() == Reason.EXISTS) {
      logger.atDebug().addKeyValue("cause", e.getMessage()).log(message);
    } else {
      logger.atWarn().addKeyValue("cause", e.getMessage()).log(message);
    }
    return false;
  }

  @Override
  public void close() {
    PolicyWatches running = watches;
    if (running != null) {
      running.close();
    }
  }
}
