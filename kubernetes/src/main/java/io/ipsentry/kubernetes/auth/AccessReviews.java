package io.ipsentry.kubernetes.auth;

import io.fabric8.kubernetes.api.model.authorization.v1.SubjectAccessReview;
import io.fabric8.kubernetes.api.model.authorization.v1.SubjectAccessReviewBuilder;
import io.fabric8.kubernetes.api.model.authorization.v1.SubjectAccessReviewStatus;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.ipsentry.kubernetes.api.ApiServerException;
import io.ipsentry.kubernetes.api.ClusterConnection;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import java.util.function.LongSupplier;

/**
 * Whether a user may do something with the bans of a release: {@code SubjectAccessReview}s on the
 * resource {@code bans} of the API group {@code ip-sentry.io}, which exists in rules of RBAC alone.
 * Answers are kept as {@link ReviewCache} says. Safe for any thread.
 */
public final class AccessReviews {
  /** API group and resource that rules name. */
  public static final String GROUP = "ip-sentry.io";

  public static final String RESOURCE = "bans";

  private final KubernetesClient client;
  private final String namespace;
  private final ReviewCache<Boolean> answers;

  /**
   * @param client of one who may create subject access reviews; stays the caller's to close
   * @param namespace of the release
   * @param ticker elapsed nanoseconds
   */
  public AccessReviews(KubernetesClient client, String namespace, LongSupplier ticker) {
    this.client = client;
    this.namespace = namespace;
    answers = new ReviewCache<>(allowed -> allowed, ticker);
  }

  /** In the namespace of a connection, which stays the caller's to close. */
  public static AccessReviews of(ClusterConnection connection, LongSupplier ticker) {
    return new AccessReviews(connection.client(), connection.namespace(), ticker);
  }

  /** Where users need their rights. */
  public String namespace() {
    return namespace;
  }

  /**
   * Whether a user may.
   *
   * @param verb such as {@code create}
   * @throws ApiServerException if the API server gives no answer
   */
  public boolean allows(ClusterUser user, String verb) {
    return answers.get(question(user, verb), () -> ask(user, verb));
  }

  /** Everything that the answer may depend on. */
  private static String question(ClusterUser user, String verb) {
    List<String> all = new ArrayList<>(List.of(verb, user.name(), user.uid()));
    all.add(String.valueOf(user.groups().size()));
    all.addAll(user.groups());
    new TreeMap<>(user.extra())
        .forEach((key, values) -> {
          all.add(key);
          all.add(String.valueOf(values.size()));
          all.addAll(values);
        });
    return Reviews.digest(all);
  }

  private boolean ask(ClusterUser user, String verb) {
    SubjectAccessReview question =
        new SubjectAccessReviewBuilder()
            .withNewSpec()
            .withUser(user.name())
            .withUid(user.uid())
            .withGroups(user.groups())
            .withExtra(user.extra())
            .withNewResourceAttributes()
            .withNamespace(namespace)
            .withGroup(GROUP)
            .withResource(RESOURCE)
            .withVerb(verb)
            .endResourceAttributes()
            .endSpec()
            .build();
    SubjectAccessReviewStatus status =
        Reviews.asking(
                "review a user's rights",
                "bind its service account to the ClusterRole system:auth-delegator",
                () -> client.authorization().v1().subjectAccessReview().create(question))
            .getStatus();
    return status != null && Boolean.TRUE.equals(status.getAllowed());
  }
}
