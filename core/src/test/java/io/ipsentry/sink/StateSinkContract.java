package io.ipsentry.sink;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ipsentry.net.IpPrefix;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** What every {@link StateSink} promises; an implementation's test extends it. */
public abstract class StateSinkContract {
  protected static final IpPrefix ONE = IpPrefix.parse("203.0.113.7");
  protected static final IpPrefix TWO = IpPrefix.parse("2001:db8:0:7::/64");

  /** The sink, of which nothing is there yet; the same in each call of a test. */
  protected abstract StateSink sink();

  /** Somebody else makes an entry. */
  protected abstract void putForeign(IpPrefix target);

  /** The targets of all entries, whoever's they are, in order. */
  protected abstract List<IpPrefix> all();

  /** The next call fails, and nothing comes of it. */
  protected abstract void failNext();

  /** The next call is carried out, and its answer is lost. */
  protected abstract void loseNextAnswer();

  @Test
  final void create_new_isThereWithItsBan() {
    SinkEntry one = sink().create(ONE, 4).orElseThrow();
    SinkEntry two = sink().create(TWO, 5).orElseThrow();

    assertThat(one.target()).isEqualTo(ONE);
    assertThat(one.ban()).isEqualTo(4);
    assertThat(one.asConfigured()).isTrue();
    assertThat(sink().entries()).containsExactlyInAnyOrder(one, two);
    assertThat(all()).containsExactly(ONE, TWO);
  }

  @Test
  final void create_answerLost_isTakenUpAndNotDoubled() {
    loseNextAnswer();
    assertThatThrownBy(() -> sink().create(ONE, 4)).isInstanceOf(SinkException.class);

    SinkEntry one = sink().create(ONE, 4).orElseThrow();

    assertThat(sink().entries()).containsExactly(one);
    assertThat(all()).containsExactly(ONE);
  }

  @Test
  final void create_somebodyElses_staysTheirs() {
    putForeign(ONE);

    assertThat(sink().create(ONE, 4)).isEmpty();

    assertThat(sink().entries()).isEmpty();
    assertThat(all()).containsExactly(ONE);
  }

  @Test
  final void create_failed_isTransientAndNothingIsThere() {
    failNext();

    assertThatThrownBy(() -> sink().create(ONE, 4))
        .isInstanceOfSatisfying(
            SinkException.class, e -> assertThat(e.kind()).isEqualTo(SinkException.Kind.TRANSIENT));
    assertThat(all()).isEmpty();
  }

  @Test
  final void update_anotherBan_showsIt() {
    SinkEntry one = sink().create(ONE, 4).orElseThrow();

    Optional<SinkEntry> updated = sink().update(one, 9);

    assertThat(updated).hasValueSatisfying(entry -> assertThat(entry.ban()).isEqualTo(9));
    assertThat(sink().entries()).containsExactly(updated.orElseThrow());
  }

  @Test
  final void update_gone_isEmpty() {
    SinkEntry one = sink().create(ONE, 4).orElseThrow();
    sink().delete(one);

    assertThat(sink().update(one, 9)).isEmpty();
    assertThat(all()).isEmpty();
  }

  @Test
  final void delete_ofSeveral_removesThatOne() {
    SinkEntry one = sink().create(ONE, 4).orElseThrow();
    SinkEntry two = sink().create(TWO, 5).orElseThrow();
    putForeign(IpPrefix.parse("203.0.113.9"));

    sink().delete(one);

    assertThat(sink().entries()).containsExactly(two);
    assertThat(all()).containsExactly(IpPrefix.parse("203.0.113.9"), TWO);
  }

  @Test
  final void delete_goneOrAnswerLost_isDone() {
    SinkEntry one = sink().create(ONE, 4).orElseThrow();
    loseNextAnswer();
    assertThatThrownBy(() -> sink().delete(one)).isInstanceOf(SinkException.class);

    sink().delete(one);

    assertThat(all()).isEmpty();
  }

  @Test
  final void entries_many_areAllTold() {
    List<SinkEntry> made =
        IntStream.range(0, 130)
            .mapToObj(i -> sink().create(IpPrefix.ofV4(0xc000_0200 + i), i + 1).orElseThrow())
            .toList();
    putForeign(ONE);

    assertThat(sink().entries()).containsExactlyInAnyOrderElementsOf(made);
  }

  @Test
  final void entries_failed_isTransient() {
    failNext();

    assertThatThrownBy(() -> sink().entries())
        .isInstanceOfSatisfying(
            SinkException.class, e -> assertThat(e.kind()).isEqualTo(SinkException.Kind.TRANSIENT));
  }

  @Test
  final void targets_areExactlyTheBan() {
    assertThat(sink().targets(ONE)).containsExactly(ONE);
    assertThat(sink().targets(TWO)).containsExactly(TWO);
    IpPrefix wide = IpPrefix.parse("198.51.100.0/24");
    assertThat(sink().targets(wide)).allMatch(wide::contains).isNotEmpty();
  }
}
