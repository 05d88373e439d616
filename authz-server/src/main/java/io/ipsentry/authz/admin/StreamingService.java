package io.ipsentry.authz.admin;

import io.grpc.BindableService;

/** A service whose streams end only when somebody ends them. */
public interface StreamingService extends BindableService {
  /** Ends all streams with {@code UNAVAILABLE}, so that the server can stop. */
  void endStreams();
}
