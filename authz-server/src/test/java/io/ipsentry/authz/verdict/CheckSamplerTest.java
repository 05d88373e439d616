package io.ipsentry.authz.verdict;

import static org.assertj.core.api.Assertions.assertThat;

import io.ipsentry.net.IpPrefix;
import io.ipsentry.net.SeenAs;
import org.junit.jupiter.api.Test;

final class CheckSamplerTest {
  /** Samples of so many requests, the given time apart. */
  private static int sampled(CheckSampler sampler, int requests, long firstMicros, long gapMicros) {
    int samples = 0;
    for (int i = 0; i < requests; i++) {
      if (sampler.isDue()) {
        sampler.taken((firstMicros + i * gapMicros) / 1_000);
        samples++;
      }
    }
    return samples;
  }

  @Test
  void isDue_fewRequests_isEachOfThem() {
    assertThat(sampled(new CheckSampler(), 20, 0, 2_000_000)).isEqualTo(20);
  }

  @Test
  void isDue_manyRequests_isOneIn256AndEachAgainWhenTheyGetFew() {
    CheckSampler sampler = new CheckSampler();

    assertThat(sampled(sampler, 256_000, 0, 10)).isBetween(1_000, 1_010);
    int ignored = sampled(sampler, 256, 10_000_000, 2_000_000);
    assertThat(sampled(sampler, 20, 1_000_000_000, 2_000_000)).isEqualTo(20);
  }

  @Test
  void judge_requests_areSampledWithTheirClientAndWithoutTheirQuery() {
    Judging judging = new Judging(Judging.config());
    try {
      var first = judging.judge("203.0.113.7", "/a/b?secret=1");
      judging.now.addAndGet(5_000);
      var second = judging.judge("no address", "/");

      RecentChecks.Part part = judging.counters.recent().since(0);
      assertThat(first).isNotNull();
      assertThat(second).isNotNull();
      assertThat(part.taken()).isEqualTo(2);
      assertThat(part.checks().getFirst())
          .satisfies(check -> {
            assertThat(check.host()).isEqualTo("shop.example");
            assertThat(check.path()).isEqualTo(PathHash.of("/a/b")).isNotEqualTo(PathHash.of("/"));
            assertThat(check.client())
                .hasValue(new CheckedRequest.Client(IpPrefix.parse("203.0.113.7"), SeenAs.PEER));
          });
      assertThat(part.checks().getLast().client()).isEmpty();
      assertThat(judging.counters.recent().since(1).checks()).hasSize(1);
      assertThat(judging.counters.recent().since(2).checks()).isEmpty();
    } finally {
      judging.close();
    }
  }

  @Test
  void since_moreThanAreKept_areTheNewest() {
    Judging judging = new Judging(Judging.config());
    try {
      for (int i = 0; i < 200; i++) {
        var ignored = judging.judge("203.0.113.7", "/" + i);
        judging.now.addAndGet(2_000);
      }

      RecentChecks.Part part = judging.counters.recent().since(0);
      assertThat(part.taken()).isEqualTo(200);
      assertThat(part.checks()).hasSize(RecentChecks.CAPACITY);
      assertThat(part.checks().getLast().path()).isEqualTo(PathHash.of("/199"));
    } finally {
      judging.close();
    }
  }
}
