import { Prefix } from "../lab/address";

/**
 * Hands out default addresses of one network, by the host parts of the article's lab, so that a changed CIDR alone
 * makes a whole new lab.
 */
export class AddressPlan {
  private readonly taken: Set<number>;

  constructor(
    private readonly prefix: Prefix,
    taken: readonly string[],
  ) {
    const here = taken.filter((address) => prefix.contains(address));
    this.taken = new Set(here.map((address) => prefix.offsetOf(address)));
  }

  /**
   * The address of a node that has its place: it gives way to nobody where its host part fits, so that another node
   * configured there is a mistake that gets reported. Undefined when the network is full.
   */
  fixed(hostPart: number): string | undefined {
    const { size } = this.prefix;
    return hostPart < size - 1 && size > 2 ? this.take(hostPart) : this.next(hostPart);
  }

  /** The host part (its low bits, in a smaller network) or the next free one; undefined when the network is full. */
  next(hostPart: number): string | undefined {
    const { size } = this.prefix;
    const wanted = hostPart % size;
    for (let step = 0; step < size; step++) {
      const offset = (wanted + step) % size;
      const reserved = size > 2 && (offset === 0 || offset === size - 1);
      if (!reserved && !this.taken.has(offset)) return this.take(offset);
    }
    return undefined;
  }

  private take(offset: number): string {
    this.taken.add(offset);
    return String(this.prefix.network.plus(offset));
  }
}
