/// <reference types="vite/client" />

/** Made by build/codes.ts. */
declare module 'virtual:codes' {
  export const pages: import('./code/page').CodePage[];
}
