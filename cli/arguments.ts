/** Numbers among a command's arguments. */
import { InvalidArgumentError } from "commander";

const reader =
  (what: string, isGood: (value: number) => boolean) =>
  (text: string): number => {
    const value = text.trim() === "" ? NaN : Number(text);
    if (!isGood(value)) throw new InvalidArgumentError(what);
    return value;
  };

const isPositive = (value: number): boolean => value > 0;

export const positive = reader("a number above 0", isPositive);
export const wholePositive = reader(
  "a whole number above 0",
  (value) => value > 0 && Number.isInteger(value),
);
export const positiveSeconds = reader("seconds, above 0", isPositive);
export const anySeconds = reader("seconds, 0 or more", (value) => value >= 0 && Number.isFinite(value));
