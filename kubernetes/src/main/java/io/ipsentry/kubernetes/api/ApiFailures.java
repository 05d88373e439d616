package io.ipsentry.kubernetes.api;

import io.fabric8.kubernetes.client.KubernetesClientException;
import io.ipsentry.kubernetes.api.ApiServerException.Reason;
import java.util.Locale;

/** Tells what a failure of the client means. Stateless. */
public final class ApiFailures {
  private ApiFailures() {}

  /**
   * What a failure means; a code of 0 is one below HTTP.
   *
   * @param what was to be done, such as {@code replace NAME}
   */
  public static ApiServerException of(String what, KubernetesClientException e) {
    String told = String.valueOf(e.getMessage());
    String status = e.getStatus() == null ? "" : String.valueOf(e.getStatus().getReason());
    boolean noRoom =
        told.toLowerCase(Locale.ROOT).contains("database space exceeded")
            || e.getCode() == 403 && told.contains("exceeded quota");
    Reason reason =
        switch (e.getCode()) {
          case 409 -> status.equals("AlreadyExists") ? Reason.EXISTS : Reason.CONFLICT;
          case 410 -> Reason.GONE;
          case 403 -> noRoom ? Reason.FULL : Reason.FORBIDDEN;
          case 404 -> what.startsWith("replace") ? Reason.CONFLICT : Reason.REFUSED;
          case 400, 405, 406, 413, 415, 422 -> Reason.REFUSED;
          default -> noRoom ? Reason.FULL : Reason.UNAVAILABLE;
        };
    return new ApiServerException(reason, "cannot " + what + ": " + told, e);
  }
}
