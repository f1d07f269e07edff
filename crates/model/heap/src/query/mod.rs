//! Questions asked of one heap or several.
