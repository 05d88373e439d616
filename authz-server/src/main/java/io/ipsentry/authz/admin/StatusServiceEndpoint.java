package io.ipsentry.authz.admin;

import io.grpc.stub.StreamObserver;
import io.ipsentry.proto.v1.GetStatusRequest;
import io.ipsentry.proto.v1.GetStatusResponse;
import io.ipsentry.proto.v1.StatusServiceGrpc;
import java.util.function.Supplier;

/** {@code StatusService}: passes on what the instance says of itself. */
final class StatusServiceEndpoint extends StatusServiceGrpc.StatusServiceImplBase {
  private final Supplier<GetStatusResponse> status;

  StatusServiceEndpoint(Supplier<GetStatusResponse> status) {
    this.status = status;
  }

  @Override
  public void getStatus(GetStatusRequest request, StreamObserver<GetStatusResponse> responses) {
    BanServiceEndpoint.answer(responses, status);
  }
}
