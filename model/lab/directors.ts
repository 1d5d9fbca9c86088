import type { Lab } from "./types";

/** The same lab with the director first that holds the VIPs: whoever asks the director asks that one. */
export function withHolder<L extends Pick<Lab, "directors">>(lab: L, name: string | undefined): L {
  const holder = lab.directors.find((each) => each.name === name);
  if (holder === undefined || holder === lab.directors[0]) return lab;
  return { ...lab, directors: [holder, ...lab.directors.filter((each) => each !== holder)] };
}
