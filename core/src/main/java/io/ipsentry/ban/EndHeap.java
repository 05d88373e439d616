package io.ipsentry.ban;

import java.util.Arrays;

/**
 * The slots whose bans end some day, the one that ends first on top; equal ends by sequence number,
 * floors without a ban (number 0) by prefix, so that the order is the same in every fold, whatever
 * slots it uses. A binary heap that knows where each slot is.
 */
final class EndHeap {
  private final BanSlots slots;
  private int[] heap = new int[64];
  private int size;

  EndHeap(BanSlots slots) {
    this.slots = slots;
  }

  boolean isEmpty() {
    return size == 0;
  }

  int first() {
    return heap[0];
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
      if (size == heap.length) {
        heap = Arrays.copyOf(heap, size * 2);
      }
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
    int last = heap[--size];
    if (last != slot) {
      place(last, index);
      down(up(index));
    }
  }

  long sizeBytes() {
    return 4L * heap.length;
  }

  private int up(int from) {
    int index = from;
    int slot = heap[index];
    while (index > 0) {
      int parent = (index - 1) >>> 1;
      if (!isBefore(slot, heap[parent])) {
        break;
      }
      place(heap[parent], index);
      index = parent;
    }
    place(slot, index);
    return index;
  }

  private void down(int from) {
    int index = from;
    int slot = heap[index];
    while (true) {
      int child = 2 * index + 1;
      if (child >= size) {
        break;
      }
      if (child + 1 < size && isBefore(heap[child + 1], heap[child])) {
        child++;
      }
      if (!isBefore(heap[child], slot)) {
        break;
      }
      place(heap[child], index);
      index = child;
    }
    place(slot, index);
  }

  private void place(int slot, int index) {
    heap[index] = slot;
    slots.setHeapIndex(slot, index);
  }

  private boolean isBefore(int a, int b) {
    int order = Long.compare(slots.until(a), slots.until(b));
    order = order != 0 ? order : Long.compare(slots.seq(a), slots.seq(b));
    return order != 0 ? order < 0 : slots.comparePrefixes(a, b) < 0;
  }
}
