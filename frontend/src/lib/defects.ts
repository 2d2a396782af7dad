/** Types of defects that a camera sees, in the order in which they are listed and in which inspectors tell them. */
export const SEEN = ["crack", "bubble", "chip", "cloudiness", "deformation", "stain"] as const;
