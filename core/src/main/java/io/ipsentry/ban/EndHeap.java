package io.ipsentry.ban;

import java.util.Arrays;

/**
 * The slots whose bans end some day, the one that ends first on top; equal ends by sequence number,
 * floors without a ban (number 0) by prefix, so that the order is the same in every fold, whatever
 * slots it uses. A binary heap that knows where each slot is, in pieces that never move, so that it
 * grows without a copy of itself.
 */
final class EndHeap {
  private static final int PIECE_BITS = 13;
  private static final int PIECE = 1 << PIECE_BITS;
  private static final int FIRST_PIECE = 64;

  private final BanSlots slots;
  private int[][] heap = {new int[FIRST_PIECE]};
  private int size;

  EndHeap(BanSlots slots) {
    this.slots = slots;
  }

  boolean isEmpty() {
    return size == 0;
  }

  int first() {
    return heap[0][0];
  }

  /** Adds a slot, moves it, or takes it out, as its end now says. */
  void update(int slot) {
    int index = slots.heapIndex(slot);
    if (slots.until(slot) == ActiveBans.FOR_EVER) {
      if (index >= 0) {
        remove(slot);
      }
      return;
    }
    if (index < 0) {
      makeRoom();
      index = size++;
      place(slot, index);
    }
    down(up(index));
  }

  void remove(int slot) {
    int index = slots.heapIndex(slot);
    if (index < 0) {
      return;
    }
    slots.setHeapIndex(slot, BanSlots.NONE);
    int last = at(--size);
    if (last != slot) {
      place(last, index);
      down(up(index));
    }
  }

  long sizeBytes() {
    return 4L * (size < PIECE ? heap[0].length : (long) heap.length * PIECE);
  }

  private int at(int index) {
    return heap[index >>> PIECE_BITS][index & PIECE - 1];
  }

  private void makeRoom() {
    int last = heap.length - 1;
    int room = heap[last].length;
    if (size < last * PIECE + room) {
      return;
    }
    if (room < PIECE) {
      heap[last] = Arrays.copyOf(heap[last], room * 2);
    } else {
      heap = Arrays.copyOf(heap, heap.length + 1);
      heap[heap.length - 1] = new int[PIECE];
    }
  }

  private int up(int from) {
    int index = from;
    int slot = at(index);
    while (index > 0) {
      int parent = (index - 1) >>> 1;
      if (!isBefore(slot, at(parent))) {
        break;
      }
      place(at(parent), index);
      index = parent;
    }
    place(slot, index);
    return index;
  }

  private void down(int from) {
    int index = from;
    int slot = at(index);
    while (true) {
      int child = 2 * index + 1;
      if (child >= size) {
        break;
      }
      if (child + 1 < size && isBefore(at(child + 1), at(child))) {
        child++;
      }
      if (!isBefore(at(child), slot)) {
        break;
      }
      place(at(child), index);
      index = child;
    }
    place(slot, index);
  }

  private void place(int slot, int index) {
    heap[index >>> PIECE_BITS][index & PIECE - 1] = slot;
    slots.setHeapIndex(slot, index);
  }

  private boolean isBefore(int a, int b) {
    int order = Long.compare(slots.until(a), slots.until(b));
    order = order != 0 ? order : Long.compare(slots.seq(a), slots.seq(b));
    return order != 0 ? order < 0 : slots.comparePrefixes(a, b) < 0;
  }
}
