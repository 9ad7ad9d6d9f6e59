//! hotshare-linux
