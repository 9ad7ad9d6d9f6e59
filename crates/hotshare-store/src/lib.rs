//! hotshare-store
