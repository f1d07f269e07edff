// The Map lives here; another module fills it.
export const baskets = new Map(); // @mark holder
