package io.ipsentry.authz.envoy;

import com.code_intelligence.jazzer.junit.FuzzTest;
import com.google.protobuf.InvalidProtocolBufferException;

/** Any bytes: the skimmer gives the facts that the generated parser gives, or refuses with it. */
final class CheckRequestSkimmerFuzzer {
  @FuzzTest(maxDuration = "2m")
  void read_anyBytes_isAsTheGeneratedParser(byte[] input) throws InvalidProtocolBufferException {
    CheckRequestSkimmerTest.check(input);
  }
}
