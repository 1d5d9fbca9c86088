import { describe, expect, it } from "vitest";
import { interruptible, Interrupted, interruptibleSleep } from "../../../drills/waiting";

describe("waiting", () => {
  it("ends at once when somebody interrupts", async () => {
    const controller = new AbortController();
    const sleep = interruptibleSleep(60, controller.signal);
    const work = interruptible(new Promise(() => undefined), controller.signal);
    controller.abort();
    await expect(sleep).rejects.toBeInstanceOf(Interrupted);
    await expect(work).rejects.toBeInstanceOf(Interrupted);
    await expect(interruptibleSleep(0, controller.signal)).rejects.toBeInstanceOf(Interrupted);
  });

  it("hands on what the work came to", async () => {
    const { signal } = new AbortController();
    await expect(interruptible(Promise.resolve(7), signal)).resolves.toBe(7);
    await expect(interruptible(Promise.reject(new Error("no")), signal)).rejects.toThrow("no");
  });
});
