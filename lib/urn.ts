/** Pulumi's names of resources: `urn:pulumi:STACK::PROJECT::PARENT$TYPE::NAME`. */

export const STACK_TYPE = "pulumi:pulumi:Stack";

export const nameOf = (urn: string): string => urn.split("::").slice(3).join("::");

export const typeOf = (urn: string): string => urn.split("::")[2]?.split("$").pop() ?? "";

/** A URN carries the types of all ancestors but the stack, the name of the resource alone. */
export function makeUrn(stack: string, project: string, type: string, name: string, parent: string): string {
  const parentType = parent.split("::")[2] ?? "";
  const qualified = parentType === "" || parentType === STACK_TYPE ? type : `${parentType}$${type}`;
  return `urn:pulumi:${stack}::${project}::${qualified}::${name}`;
}

/** The resource that a provider reference (`URN::ID`) names. */
export const referenced = (reference: string): string => reference.split("::").slice(0, -1).join("::");
