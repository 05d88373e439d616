package io.ipsentry.authz.cluster;

import io.ipsentry.authz.admin.ClusterAccess;
import io.ipsentry.kubernetes.api.ApiServerException;
import io.ipsentry.kubernetes.auth.AccessReviews;
import io.ipsentry.kubernetes.auth.Authentication;
import io.ipsentry.kubernetes.auth.ClientCertificates;
import io.ipsentry.kubernetes.auth.ClusterUser;
import io.ipsentry.kubernetes.auth.TokenReviews;
import java.security.cert.X509Certificate;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** {@link ClusterAccess} that asks the API server of the cluster. Safe for any thread. */
public final class ClusterCallers implements ClusterAccess {
  private static final Logger logger = LoggerFactory.getLogger(ClusterCallers.class);

  private final TokenReviews tokens;
  private final ClientCertificates certificates;
  private final AccessReviews rights;
  private final AtomicReference<String> problem = new AtomicReference<>("");

  /** What the API server is asked. */
  public ClusterCallers(
      TokenReviews tokens, ClientCertificates certificates, AccessReviews rights) {
    this.tokens = tokens;
    this.certificates = certificates;
    this.rights = rights;
  }

  @Override
  public Answer token(String token, String verb) {
    return answer(() -> tokens.review(token), verb);
  }

  @Override
  public Answer certificate(List<X509Certificate> chain, String verb) {
    return answer(() -> certificates.look(chain), verb);
  }

  /** Why nobody can be let in at the moment; empty: the API server answers. */
  public String problem() {
    return problem.get();
  }

  private Answer answer(Supplier<Authentication> look, String verb) {
    try {
      Answer answer =
          switch (look.get()) {
            case Authentication.Unknown(String why) -> new Answer.Stranger(why);
            case Authentication.Known(ClusterUser user) -> permitted(user, verb);
          };
      if (!problem.getAndSet("").isEmpty()) {
        logger.atInfo().log("callers of the admin API can be looked at again");
      }
      return answer;
    } catch (ApiServerException e) {
      String why = String.valueOf(e.getMessage());
      if (!why.equals(problem.getAndSet(why))) {
        logger.atWarn().setCause(e).log("callers of the admin API cannot be looked at");
      }
      return new Answer.NoAnswer("who you are and what you may do cannot be found out: " + why);
    }
  }

  private Answer permitted(ClusterUser user, String verb) {
    if (rights.allows(user, verb)) {
      return new Answer.Granted(user.name());
    }
    return new Answer.Denied(
        user.name()
            + " may not "
            + verb
            + " "
            + AccessReviews.RESOURCE
            + "."
            + AccessReviews.GROUP
            + " in the namespace "
            + rights.namespace()
            + "; bind a Role or ClusterRole with this verb to it");
  }
}
