//! hotshare-lab
