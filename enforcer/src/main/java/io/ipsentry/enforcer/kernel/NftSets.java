package io.ipsentry.enforcer.kernel;

import io.ipsentry.enforcer.kernel.PacketFilterException.Cause;
import java.io.IOException;
import java.time.InstantSource;
import java.util.Collection;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Reads the elements of the sets of a table.
 *
 * <p>The kernel is asked over netlink, which takes a tenth of the time of nft's listing. Where it
 * cannot be asked, or answers what is not understood, nft lists the set. Each set is shown whole or
 * not at all, so none is shown twice when the way is changed. One thread at a time.
 */
final class NftSets {
  /**
   * A dump that met a change of the node's rules is repeated; the last one counts all the same,
   * because rules of others may change all the time. If it is our set that changes all the time, it
   * may lack an element, which is then put once more.
   */
  private static final int MAX_DUMPS = 5;

  private static final Logger logger = LoggerFactory.getLogger(NftSets.class);

  private final KernelPrograms programs;
  private final String table;
  private final InstantSource clock;
  private final long longestMillis;
  private int sequence;
  private @Nullable LibC libC;
  private boolean complained;

  /**
   * @param longestMillis what is left longer than that was put for ever
   */
  NftSets(KernelPrograms programs, String table, InstantSource clock, long longestMillis) {
    this.programs = programs;
    this.table = table;
    this.clock = clock;
    this.longestMillis = longestMillis;
  }

  /**
   * Shows the elements of those of the sets that are laid out as ours.
   *
   * @throws PacketFilterException if one cannot be read in either way
   */
  void read(Collection<String> sets, PacketFilter.ElementVisitor visitor) {
    List<String> ours = sets.stream().filter(set -> NftElements.lengthOf(set) > 0).toList();
    int done = 0;
    try (NetlinkSocket socket = programs.netlink(libC())) {
      for (String set : ours) {
        dump(socket, set).forEach(visitor);
        done++;
      }
      complained = false;
    } catch (SetDump.RefusedException e) {
      // Such as a set that is gone. What is wrong, nft says in words.
      logger.atDebug().addKeyValue("message", e.getMessage()).log("nft lists the rest of the sets");
    } catch (IOException e) {
      if (!complained) {
        logger
            .atWarn()
            .addKeyValue("message", e.getMessage())
            .log("nft lists the sets, because netlink does not");
        complained = true;
      }
    }
    ours.subList(done, ours.size()).forEach(set -> list(set, visitor));
  }

  /** Whether netlink did not work the last time, and nft did it. */
  boolean listsByNft() {
    return complained;
  }

  private LibC libC() throws IOException {
    LibC known = libC;
    if (known == null) {
      known = LibC.load();
      libC = known;
    }
    return known;
  }

  private ElementBuffer dump(NetlinkSocket socket, String set) throws IOException {
    long begin = System.nanoTime();
    Family family = NftElements.familyOf(set);
    int keyBytes = family == Family.V4 ? Integer.BYTES : 2 * Long.BYTES;
    for (int dumps = 1; ; dumps++) {
      ElementBuffer elements =
          new ElementBuffer(family, NftElements.lengthOf(set), clock, longestMillis);
      SetDump dump = new SetDump(++sequence, keyBytes, elements);
      socket.send(dump.request(table, set));
      while (!dump.read(socket.receive())) {
        if (System.nanoTime() - begin > PacketFilter.TIMEOUT.toNanos()) {
          throw new PacketFilterException(
              Cause.TIMEOUT,
              "the kernel did not show the set "
                  + set
                  + " within "
                  + PacketFilter.TIMEOUT.toSeconds()
                  + " s; is the machine overloaded?");
        }
      }
      if (!dump.isTorn() || dumps == MAX_DUMPS) {
        return elements;
      }
    }
  }

  private void list(String set, PacketFilter.ElementVisitor visitor) {
    int length = NftElements.lengthOf(set);
    programs.read(
        List.of("nft", "--numeric", "list", "set", "inet", table, set),
        answer -> new NftElements(length, clock, longestMillis, visitor).readFrom(answer));
  }
}
