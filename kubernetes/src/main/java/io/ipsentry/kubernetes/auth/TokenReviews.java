package io.ipsentry.kubernetes.auth;

import io.fabric8.kubernetes.api.model.authentication.TokenReview;
import io.fabric8.kubernetes.api.model.authentication.TokenReviewBuilder;
import io.fabric8.kubernetes.api.model.authentication.TokenReviewStatus;
import io.fabric8.kubernetes.api.model.authentication.UserInfo;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.ipsentry.kubernetes.api.ApiServerException;
import io.ipsentry.kubernetes.api.ClusterConnection;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.LongSupplier;

/**
 * Whose bearer token it is: {@code TokenReview}s of {@code authentication.k8s.io/v1}. Answers are
 * kept as {@link ReviewCache} says, by the digest of the token, never with the token itself. Safe
 * for any thread.
 */
public final class TokenReviews {
  /** The longest token that is looked at; those of service accounts have some 1,500. */
  public static final int MAX_TOKEN_CHARS = 16 * 1024;

  private final KubernetesClient client;
  private final List<String> audiences;
  private final ReviewCache<Authentication> answers;

  /**
   * @param client of one who may create token reviews; stays the caller's to close
   * @param audiences a token must be for one of these; empty: for the API server
   * @param ticker elapsed nanoseconds
   */
  public TokenReviews(KubernetesClient client, List<String> audiences, LongSupplier ticker) {
    this.client = client;
    this.audiences = List.copyOf(audiences);
    answers = new ReviewCache<>(Authentication.Known.class::isInstance, ticker);
  }

  /** The same of a connection, which stays the caller's to close. */
  public static TokenReviews of(
      ClusterConnection connection, List<String> audiences, LongSupplier ticker) {
    return new TokenReviews(connection.client(), audiences, ticker);
  }

  /**
   * Looks at a token.
   *
   * @throws ApiServerException if the API server gives no answer
   */
  public Authentication review(String token) {
    if (token.isEmpty() || token.length() > MAX_TOKEN_CHARS) {
      return new Authentication.Unknown("the cluster does not know the token");
    }
    return answers.get(Reviews.digest(List.of(token)), () -> ask(token));
  }

  private Authentication ask(String token) {
    TokenReview question =
        new TokenReviewBuilder()
            .withNewSpec()
            .withToken(token)
            .withAudiences(audiences)
            .endSpec()
            .build();
    TokenReviewStatus status =
        Reviews.asking(
                "review a token",
                "bind its service account to the ClusterRole system:auth-delegator",
                () -> client.tokenReviews().create(question))
            .getStatus();
    if (status == null || !Boolean.TRUE.equals(status.getAuthenticated())) {
      return new Authentication.Unknown("the cluster does not know the token, or it has expired");
    }
    // An authenticator that knows no audiences tells none, and vouches for the API server alone.
    List<String> told = Objects.requireNonNullElse(status.getAudiences(), List.of());
    if (!audiences.isEmpty() && Collections.disjoint(audiences, told)) {
      return new Authentication.Unknown("the token is for another audience than " + audiences);
    }
    UserInfo user = status.getUser();
    if (user == null || user.getUsername() == null || user.getUsername().isEmpty()) {
      return new Authentication.Unknown("the cluster gives the token's user no name");
    }
    return new Authentication.Known(
        new ClusterUser(
            user.getUsername(),
            Objects.requireNonNullElse(user.getUid(), ""),
            Objects.requireNonNullElse(user.getGroups(), List.of()),
            Objects.requireNonNullElse(user.getExtra(), Map.of())));
  }
}
