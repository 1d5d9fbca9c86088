import { randomBytes as bytes } from "node:crypto";
import type { Provider } from "./provider";

/** random.RandomBytes: made once, kept until `length` or `keepers` change. */
export const randomBytes: Provider = {
  replaceOn: [["length"], ["keepers"]],
  computed: ["base64", "hex"],
  secretOutputs: ["base64", "hex"],
  create: ({ length }) => {
    if (typeof length !== "number" || !Number.isInteger(length) || length < 1) {
      throw new Error("length must be a whole number of at least 1");
    }
    const value = bytes(length);
    return Promise.resolve({
      id: "none",
      outputs: { base64: value.toString("base64"), hex: value.toString("hex") },
    });
  },
  update: (resource) => Promise.resolve(resource.outputs),
  delete: () => Promise.resolve(),
};
