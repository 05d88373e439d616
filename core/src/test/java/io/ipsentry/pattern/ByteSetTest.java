package io.ipsentry.pattern;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.HashSet;
import java.util.Set;
import org.junit.jupiter.api.Test;

final class ByteSetTest {
  @Test
  void equals_setsOfOneByteAndAllOthers_areEqualWhereTheyHoldTheSame() {
    Set<ByteSet> sets = new HashSet<>();
    for (int value = 0; value < 256; value++) {
      ByteSet one = ByteSet.of(value);
      ByteSet same = ByteSet.of(value).not().not();
      assertThat(one).isEqualTo(same).hasSameHashCodeAs(same).isNotEqualTo(one.not());
      assertThat(sets.add(one)).isTrue();
      assertThat(sets.add(one.not())).isTrue();
    }
    assertThat(sets).hasSize(512).contains(ByteSet.of('a')).doesNotContain(ByteSet.WORD);
    assertThat(ByteSet.none()).isNotEqualTo("").isNotEqualTo(null);
  }
}
