package io.ipsentry.authz.admin;

import java.security.cert.X509Certificate;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;

/** A cluster whose users have their names as tokens, and the rights that a test gives them. */
public final class ScriptedCluster implements ClusterAccess {
  private final Map<String, Set<String>> rights = new ConcurrentHashMap<>();
  private final AtomicInteger asked = new AtomicInteger();
  private volatile boolean away;

  /** Gives a user rights, in place of those he had. */
  public ScriptedCluster user(String name, String... verbs) {
    rights.put(name, Set.of(verbs));
    return this;
  }

  /** Answers nobody from now on, or again. */
  public void away(boolean now) {
    away = now;
  }

  /** Questions so far. */
  public int asked() {
    return asked.get();
  }

  @Override
  public Answer token(String token, String verb) {
    asked.incrementAndGet();
    if (away) {
      return new Answer.NoAnswer("the API server does not answer");
    }
    Set<String> verbs = rights.get(token);
    if (verbs == null) {
      return new Answer.Stranger("the cluster does not know the token");
    }
    return verbs.contains(verb)
        ? new Answer.Granted(token)
        : new Answer.Denied(token + " may not " + verb);
  }

  @Override
  public Answer certificate(List<X509Certificate> chain, String verb) {
    return token(chain.getFirst().getSubjectX500Principal().getName(), verb);
  }
}
