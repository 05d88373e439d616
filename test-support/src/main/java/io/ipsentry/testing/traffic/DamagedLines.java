package io.ipsentry.testing.traffic;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Random;

/** Damages lines at random: bytes changed, put in, or the end cut off. Stateless. */
public final class DamagedLines {
  private static final byte[] NASTY =
      "\"\\ {}[]:,-\u0000\n\r\t=\u007f".getBytes(StandardCharsets.US_ASCII);
  private static final int MOST_DAMAGES = 3;

  private DamagedLines() {}

  /** A copy of {@code line} with none to {@value #MOST_DAMAGES} damages. */
  public static byte[] damaged(byte[] line, Random random) {
    byte[] b = line.clone();
    for (int k = random.nextInt(MOST_DAMAGES + 1); k > 0 && b.length > 0; k--) {
      int at = random.nextInt(b.length);
      switch (random.nextInt(4)) {
        case 0 -> b[at] = (byte) random.nextInt();
        case 1 -> b[at] = NASTY[random.nextInt(NASTY.length)];
        case 2 -> b = Arrays.copyOf(b, at);
        default -> {
          byte[] longer = new byte[b.length + 1];
          System.arraycopy(b, 0, longer, 0, at);
          longer[at] = NASTY[random.nextInt(NASTY.length)];
          System.arraycopy(b, at, longer, at + 1, b.length - at);
          b = longer;
        }
      }
    }
    return b;
  }
}
